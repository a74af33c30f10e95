"""A data frame built, grouped and joined: native blocks and object columns."""
import numpy as np
import pandas as pd

rng = np.random.default_rng(7)
n = 1_200_000
frame = pd.DataFrame({"key": rng.integers(0, 5_000, n), "value": rng.random(n)})
frame["name"] = [f"name-{i % 977}" for i in range(n)]
grouped = frame.groupby("key")["value"].mean().reset_index()
joined = frame.merge(grouped, on="key", suffixes=("", "_mean"))
print(len(joined), round(float(joined["value_mean"].sum()), 3))
