"""What a change does to each cluster: two commits rendered and compared, without a cluster."""

from modelyard.diffing.compare import compare
from modelyard.diffing.content import changes_content
from modelyard.diffing.model import (
    ABSENT,
    ApplicationChange,
    Comparison,
    EngineChange,
    EnvironmentChange,
    FieldChange,
    Hazard,
    Kind,
    MemoryUse,
    MonthlyCost,
    Reach,
    ResourceChange,
    Restart,
    SettingChange,
)
from modelyard.diffing.options import DiffOptions

__all__ = [
    "ABSENT",
    "ApplicationChange",
    "Comparison",
    "DiffOptions",
    "EngineChange",
    "EnvironmentChange",
    "FieldChange",
    "Hazard",
    "Kind",
    "MemoryUse",
    "MonthlyCost",
    "Reach",
    "ResourceChange",
    "Restart",
    "SettingChange",
    "changes_content",
    "compare",
]
