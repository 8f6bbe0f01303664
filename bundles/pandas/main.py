"""Run the job, and a little of NumPy that the job has no use for."""

import numpy as np
import pandas as pd
import sales

table = sales.read()
print(table.describe())
print(sales.by_place(table))
print(sales.weekly(table))
print("trend:", sales.trend(table).round(6))
print("merged:", table.reset_index().merge(pd.DataFrame({"place": ["Oslo"], "n": [1]})).shape)
print(table.loc["2026-02-03"].to_json(orient="records", date_format="iso"))

matrix = np.arange(9.0).reshape(3, 3) + np.eye(3)
print("inverse:", np.linalg.inv(matrix).round(6).tolist())
print("eigenvalues:", np.sort(np.linalg.eigvals(matrix)).round(6).tolist())
print("transform:", np.abs(np.fft.fft(np.arange(8))).round(6).tolist())
print("random:", np.random.default_rng(1).integers(0, 100, 5).tolist())
