"""Two tensors of PyTorch's, no module, no optimizer, nothing that says where a step ends."""

import torch

torch.manual_seed(0)
w1, b1 = torch.randn(3, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
x = torch.randn(16, 3)
for _ in range(5):
    loss = (x @ w1 + b1).pow(2).mean()
    loss.backward()
    with torch.no_grad():
        for tensor in (w1, b1):
            tensor -= 0.1 * tensor.grad
            tensor.grad = None
print("final", (w1.sum() + b1.sum()).item().hex())
