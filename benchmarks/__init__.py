"""What is measured: edge cases side by side, and speed."""
