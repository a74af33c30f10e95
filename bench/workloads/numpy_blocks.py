"""Few and large native blocks, almost nothing in Python's own allocator."""
import numpy as np

total = 0.0
for seed in range(60):
    block = np.random.default_rng(seed).random((1000, 1000))
    product = block @ block.T
    total += float(product.trace())
print(round(total, 3))
