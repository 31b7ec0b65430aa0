"""What becomes of a batch when its decoder fails those who wait for it."""

from __future__ import annotations

import numpy as np

from services.gpu_worker.engine.batcher import Batcher
from services.gpu_worker.engine.decoder import Decoded, Features
from services.gpu_worker.engine.recipe import Recipe

CLIP = Features(np.zeros((80, 3000), np.float32), 3000)
RECIPE = Recipe(language="sv", beams=1)
NOTHING = Decoded(words=(), logprob=0.0, no_speech=1.0)


def test_too_few_answers_are_an_error_for_all_who_wait_and_the_next_batch_is_decoded() -> None:
    answers = iter([[NOTHING], [NOTHING, NOTHING]])
    batcher = Batcher(lambda _clips, _recipe: next(answers), workers=1, size=2)
    for error in (ValueError, None):
        with batcher.preparing():
            waiting = [batcher.submit(CLIP, RECIPE) for _ in range(2)]
            assert [type(future.exception(timeout=5)) for future in waiting] == [error or type(None)] * 2
    batcher.close()
