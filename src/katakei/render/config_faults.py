"""The faults of configuration files as text and JSON. The form of a line is what editors and CI systems read."""

from collections.abc import Sequence

from katakei.domain.config_faults import CheckedFile, ConfigFault
from katakei.render.json_data import Plain, output
from katakei.render.text import one_line
from katakei.render.translation import Translator


def faults_text(files: Sequence[CheckedFile], tr: Translator) -> str:
    """One line for each fault, `FILE:LINE:COLUMN: key: message`, and one for each file without any."""
    return "\n".join(line for checked in files for line in _lines(checked, tr))


def _lines(checked: CheckedFile, tr: Translator) -> list[str]:
    file = one_line(checked.file)
    if not checked.faults:
        return [tr("{file}: no fault (service {service})", file=file, service=checked.service)]
    return [_line(file, fault, tr) for fault in checked.faults]


def fault_text(fault: ConfigFault, tr: Translator) -> str:
    """Key and message of a fault. A key stays as it is in every language."""
    message = tr.fault(fault.message)
    return f"{fault.key}: {message}" if fault.key else message


def _line(file: str, fault: ConfigFault, tr: Translator) -> str:
    if not fault.line:
        return tr.known(f"{file}: {fault.message}")
    return f"{file}:{fault.line}:{fault.column}: {fault_text(fault, tr)}"


def faults_data(files: Sequence[CheckedFile]) -> dict[str, Plain]:
    """The same for programs. A fault of a whole file has neither line nor column."""
    return output(
        "config-validate", valid=not any(each.faults for each in files), files=[_data(each) for each in files]
    )


def _data(checked: CheckedFile) -> Plain:
    faults: list[Plain] = [
        output("fault", line=each.line or None, column=each.column or None, key=each.key or None, message=each.message)
        for each in checked.faults
    ]
    return output("checked_file", file=checked.file, service=checked.service or None, faults=faults)
