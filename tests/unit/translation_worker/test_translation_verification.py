"""Translations that cannot be right are told by their form."""

import pytest

from translation_worker.verification import Fault, find_faults

LONG = "The big house near the river has a red roof and a small garden with many flowers."


@pytest.mark.parametrize(
    ("source", "translated"),
    [
        ("It costs 1,234.50 today.", "Custa 1.234,50 hoje."),
        ("We met at 3 pm.", "Nos encontramos às 3 da tarde."),
        ("I have two cats.", "Tenho 2 gatos."),
        ("It costs a hundred and five.", "Custa 105."),
        ("This is **very** good.", "Isto é **muito** bom."),
        ("No, no, no!", "Não, não, não!"),
        ("OK", "Está tudo bem"),
        ("a) The house (red).", "a) A casa (vermelha)."),
    ],
)
def test_there_is_no_fault_when_a_translation_is_sound(source: str, translated: str) -> None:
    assert find_faults(source, translated) == []


@pytest.mark.parametrize(
    ("source", "translated", "fault"),
    [
        (LONG, "A casa grande.", Fault.IMPLAUSIBLE),
        (LONG, "", Fault.IMPLAUSIBLE),
        (LONG, "A casa tem " + "flores e " * 30, Fault.IMPLAUSIBLE),
        ("A red house.", "- 1 ?", Fault.IMPLAUSIBLE),
        ("A red house.", "uma casa casa casa casa casa casa", Fault.IMPLAUSIBLE),
        ("Open 24/7.", "Aberto 24 horas.", Fault.NUMBERS),
        ("Room 12.", "Quarto 21.", Fault.NUMBERS),
        ("The button.", "O botão (15:00).", Fault.NUMBERS),
        ("This is **very** good.", "Isto é *muito* bom.", Fault.MARKS),
        ("Babel", "Babel (", Fault.BRACKETS),
        ("The house (red).", "A casa (vermelha.", Fault.BRACKETS),
    ],
)
def test_a_fault_is_named_when_a_translation_is_unsound(
    source: str, translated: str, fault: Fault
) -> None:
    assert fault in find_faults(source, translated)
