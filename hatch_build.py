"""Compiles the C library into the wheel, or says that it is left out."""

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PLACE = Path("src", "gradclip", "kernels", "cpu")


class CustomBuildHook(BuildHookInterface):  # the name that hatchling looks for
    """Have a wheel, also an editable one, bring the library."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the platform; without a compiler the wheel is pure Python."""
        del version
        if self.target_name != "wheel":
            return
        spec = importlib.util.spec_from_file_location("build", Path(self.root, _PLACE, "build.py"))
        compiler = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(compiler)
        try:
            library = compiler.build()
        except compiler.CompilerError as error:
            self.app.display_warning(f"gradclip's C library is left out: {error}")
            return
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["artifacts"].append(str(_PLACE / library.name))
