"""Let the reference show `Example:` sections as code: griffe knows `Examples:` alone."""

import re
from typing import Any

import griffe


class SingularExample(griffe.Extension):
    """Rename the section while docstrings are read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rename it in one object's docstring."""
        del kwargs
        if obj.docstring:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE
            )
