"""What is said in the dialogues: sentences of a small grammar, hundreds of thousands, and short answers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

SENTENCES = (
    "{opening} {people} {decided} {thing} {when}.",
    "{opening} {thing} {is} {quality}, and {people} {think} so too.",
    "I {think} that {thing} {is} {quality} {when}.",
    "Could {person} {act} {thing} {when}?",
    "{person} wanted to {act} {thing}, but {reason}.",
    "If we {act} {thing} {when}, {people} will be {mood}.",
    "Nobody told {person} that {reason}, so we must {act} {thing}.",
    "{when_first} {people} will {act} {thing} {place}.",
    "We found {number} mistakes in {thing}, and {person} will {act} it {when}.",
    "{opening} it takes {number} weeks to {act} {thing} {place}.",
    "Why did {people} not {act} {thing} {when_past}?",
    "{person} sent me {number} letters about {thing}, because {reason}.",
    "The people {place} are {mood}, since {reason}.",
    "Let us {act} {thing} first, and talk about {other} {when}.",
    "{thing_first} and {other} {are} both {quality}, {person} says.",
)
WORDS = {
    "opening": "As far as I know,|To be honest,|In the end,|As I said before,|After the holidays,|Last year|"
    "On the other hand,|By the way,|In my opinion,|For that reason,|If I remember well,|At the moment",
    "people": "the teachers|my colleagues|the parents|the engineers|our customers|the farmers|the neighbours|"
    "the students|the drivers|the doctors|the new members|the older people|the owners",
    "person": "Maria|the mayor|Thomas|our manager|Helen|the secretary|Peter|the architect|Laura|the director|"
    "my brother|the lawyer|Oliver|the treasurer",
    "decided": "looked at|paid for|asked about|finished|rejected|measured|forgot|repaired|accepted|"
    "discussed|voted for|complained about",
    "act": "paint|sell|move|repair|discuss|replace|measure|show|visit|plan|close|open|check|describe|improve",
    "thing": "the old bridge|the school kitchen|the garden wall|the yellow bus|the new contract|the water pipe|"
    "the second report|the music hall|the parking place|the winter program|the city library|the front door|"
    "the swimming pool|the office furniture|the village shop|the telephone system|the football field|"
    "the small museum|the train station|the budget",
    "other": "the price|the weather|the summer party|the heating|the insurance|the noise|the colour|the invitations|"
    "the electric cars|the holidays|the coffee machine|the roof",
    "is": "is|was|will be|seems|has become|could be|may be",
    "are": "are|were|will be|seem",
    "quality": "too expensive|very useful|almost ready|quite difficult|much better|rather old|surprisingly good|"
    "too small|completely safe|a little strange|important|cheaper than before",
    "think": "think|believe|hope|suppose|am told|know",
    "when": "next week|before Christmas|on Thursday morning|in the afternoon|after lunch|every evening|in two months|"
    "at the end of the year|as soon as possible|this summer|without delay|tomorrow",
    "when_first": "Next Monday|In February|Before the summer|Tonight|On the first of May|After the meeting|"
    "In a few days|Very soon",
    "when_past": "last week|in October|yesterday|when it was raining|a year ago|before the election|at once",
    "reason": "the money is gone|there was no time|the road is closed|nobody answered the letter|it rained all day|"
    "the key was lost|the numbers were wrong|the machine is broken|everybody was on holiday|"
    "the law has changed|the train was late|we need more light|the plan was too long",
    "mood": "happy|angry|surprised|very tired|worried|grateful|satisfied|disappointed|curious",
    "number": "two|three|four|five|six|seven|eight|nine|ten",
    "place": "near the river|in the town hall|at the station|behind the church|on the second floor|in the north|"
    "outside the city|beside the hospital|in our building|across the street",
}
ANSWERS = (
    *("Yes, exactly.", "No, not at all.", "That is true.", "Of course.", "I see.", "Maybe.", "Absolutely.", "Okay."),
    *("I agree.", "Right.", "Really?", "Why not?", "Good idea.", "Not yet.", "Sure.", "I think so.", "Yes.", "No."),
    *("Wonderful.", "Oh, I did not know that.", "Thank you.", "Perhaps later.", "Never mind.", "Exactly."),
)


def sentences(chance: random.Random) -> Iterator[str]:
    """Sentences without an end, none of them twice."""
    said: set[str] = set()
    while True:
        sentence = one_sentence(chance)
        if sentence not in said:
            said.add(sentence)
            yield sentence


def one_sentence(chance: random.Random) -> str:
    """A sentence with a capital letter and its mark at the end."""

    def word(slot: re.Match[str]) -> str:
        kind = slot[1] if slot[1] in WORDS else slot[1].removesuffix("_first")
        return chance.choice(WORDS[kind].split("|"))

    sentence = re.sub(r"\{(\w+)\}", word, chance.choice(SENTENCES))
    return sentence[0].upper() + sentence[1:]
