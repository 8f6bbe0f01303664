"""What was sold where: a table and what is computed from it."""

from pathlib import Path

import numpy as np
import pandas as pd

TABLE = Path(__file__).with_name("sales.csv")


def read() -> pd.DataFrame:
    """Return the table, by day."""
    return pd.read_csv(TABLE, parse_dates=["day"], index_col="day")


def by_place(table: pd.DataFrame) -> pd.DataFrame:
    """Return total and mean of each place."""
    return table.groupby("place")["amount"].agg(["sum", "mean"]).sort_index()


def weekly(table: pd.DataFrame) -> pd.DataFrame:
    """Return the amounts of each week and place."""
    return table.pivot_table("amount", pd.Grouper(freq="W"), "place", aggfunc="sum", fill_value=0)


def trend(table: pd.DataFrame) -> np.ndarray:
    """Return offset and slope of the line through the daily totals, by least squares."""
    totals = table.groupby(level="day")["amount"].sum()
    days = (totals.index - totals.index[0]).days.to_numpy(float)
    matrix = np.column_stack([np.ones_like(days), days])
    return np.linalg.solve(matrix.T @ matrix, matrix.T @ totals.to_numpy(float))
