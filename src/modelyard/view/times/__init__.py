"""Every limit that lies on one start, one answer and one end of a model, in one table.

Each is written at another place, by another team, with another default; a start or an answer ends at the smallest.
"""

from modelyard.view.times.model import Phase, TimeLimit
from modelyard.view.times.table import TimeTable, time_table

__all__ = ["Phase", "TimeLimit", "TimeTable", "time_table"]
