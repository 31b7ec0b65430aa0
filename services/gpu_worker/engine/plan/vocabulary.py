"""The words of a vocabulary in a plan: all parts of a recording are decoded with the same ones. Pure."""

from __future__ import annotations

from dataclasses import replace

from services.common.domain.vocabularies import KeptWords
from services.common.transcript.quality import Remark
from services.gpu_worker.engine.plan.plan import Plan

_NAMED = 3
"""How many of the words that were left out are named."""


def with_vocabulary(plan: Plan, kept: KeptWords, fitting: int) -> Plan:
    """The plan with the words that the model reads, and a remark if some are left out.

    Args:
        plan: without a vocabulary.
        kept: what the job keeps of its vocabulary.
        fitting: how many of these words the model reads.

    """
    remarks = plan.remarks
    if fitting < kept.count:
        remarks = (*remarks, Remark("vocabulary_cut", _sentence(kept, fitting)))
    return replace(plan, vocabulary=kept.words[:fitting], remarks=remarks)


def _sentence(kept: KeptWords, fitting: int) -> str:
    named = kept.words[fitting : fitting + _NAMED]
    more = kept.count - fitting - len(named)
    left_out = ", ".join([*named, *([f"{more:,} more"] if more else [])])
    return f"Of the vocabulary's {kept.count:,} words the model reads the first {fitting}. Left out: {left_out}."
