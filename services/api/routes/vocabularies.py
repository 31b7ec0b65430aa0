"""Vocabularies: kept under a name, listed, read, replaced and deleted."""

from __future__ import annotations

from fastapi import Response

from services.api import openapi
from services.api.auth import Authenticated, Wired
from services.api.idempotency import Idempotent
from services.api.problem_codes import ProblemCode
from services.api.problems import Problem, not_found
from services.api.routes import lookup
from services.api.schemas.vocabularies import NewVocabulary, VocabularyList, VocabularyUpdate, VocabularyView
from services.common.domain.vocabularies import Vocabulary
from services.common.store.operations import ConditionFailedError

router = openapi.router("/vocabularies", "vocabularies")
_REFUSALS = (ProblemCode.DELETED_SINCE, ProblemCode.VOCABULARY_EXISTS, ProblemCode.TOO_MANY_VOCABULARIES)


@router.post("", status_code=201, responses=openapi.created("vocabulary", *_REFUSALS))
def create_vocabulary(
    wanted: NewVocabulary, caller: Authenticated, wired: Wired, idempotency: Idempotent, response: Response
) -> VocabularyView:
    """Keep a list of words under a name, by which jobs ask for it."""
    vocabulary = Vocabulary(client_id=caller.client_id, name=wanted.name, words=wanted.words, updated_at=wired.clock())
    operations = wired.store.vocabularies.addition(vocabulary)
    try:
        earlier = wired.store.commit(operations, idempotency.record(name=wanted.name))
    except ConditionFailedError as error:
        raise _refusal(taken=error.items[0] is not None) from None
    if earlier:
        vocabulary = lookup.made_before(lookup.vocabulary, wanted.name, caller, wired)
    response.headers["Location"] = f"/api/vocabularies/{wanted.name}"
    return VocabularyView.of(vocabulary)


def _refusal(*, taken: bool) -> Problem:
    if taken:
        detail = "This client has a vocabulary of this name: replace its words with PATCH, or take another name."
        return Problem(ProblemCode.VOCABULARY_EXISTS, detail, "name")
    return Problem(ProblemCode.TOO_MANY_VOCABULARIES, "This client has as many vocabularies as it may: delete one.")


@router.get("", responses=openapi.listed("vocabularies"))
def list_vocabularies(caller: Authenticated, wired: Wired) -> VocabularyList:
    """All vocabularies of this client by name, without their words."""
    found = wired.store.vocabularies.of_client(caller.client_id)
    return VocabularyList(vocabularies=[VocabularyView.of(one) for one in found])


@router.get("/{name}", responses=openapi.problems(ProblemCode.NOT_FOUND))
def read_vocabulary(name: str, caller: Authenticated, wired: Wired) -> VocabularyView:
    """One vocabulary with its words."""
    return VocabularyView.of(lookup.vocabulary(name, caller, wired))


@router.patch("/{name}", responses=openapi.problems(ProblemCode.NOT_FOUND))
def update_vocabulary(name: str, wanted: VocabularyUpdate, caller: Authenticated, wired: Wired) -> VocabularyView:
    """Replace all words; jobs that are registered by then keep those that they were registered with."""
    vocabulary = lookup.vocabulary(name, caller, wired)
    changed = wired.store.vocabularies.replace(vocabulary, wanted.words, wired.clock())
    if changed is None:
        raise not_found("vocabulary")
    return VocabularyView.of(changed)


@router.delete("/{name}", status_code=204, responses=openapi.problems(ProblemCode.NOT_FOUND))
def delete_vocabulary(name: str, caller: Authenticated, wired: Wired) -> None:
    """Forget a vocabulary; jobs that are registered by then keep its words until they are erased themselves."""
    if not wired.store.vocabularies.remove(lookup.vocabulary(name, caller, wired)):
        raise not_found("vocabulary")
