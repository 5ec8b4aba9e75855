"""Notebooks as programs: their cells of code in order."""

import json
import re
from collections.abc import Mapping
from pathlib import Path


def as_script(notebook: Path, fields: Mapping[str, str]) -> str:
    """Return a notebook's code, without the commands of notebooks.

    Args:
        notebook: The notebook.
        fields: What to fill into its form's fields (lines with `@param`), by their names.

    Raises:
        ValueError: It has no such field.
    """
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    code = re.sub(r"^[%!].*$", "", code, flags=re.MULTILINE)
    for name, value in fields.items():
        code, count = re.subn(rf"(?m)^{name} = .*?(?=\s*# @param)", f"{name} = {value}", code)
        if count != 1:
            msg = f"{notebook} has no field {name}."
            raise ValueError(msg)
    return code + "\n"
