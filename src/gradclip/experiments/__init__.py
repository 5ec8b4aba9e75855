"""The reference experiments: a network on MNIST, in every framework, with every norm recorded."""
