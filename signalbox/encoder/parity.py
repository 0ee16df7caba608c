"""What the original model gives for a fixed list of sentences: the yardstick of every export.

CALIBRATION is another list, so that quantising is not judged by the sentences it was set by.

The bundled model's vectors are shipped in `reference/`, named by the checksum of its source, so that its export
needs no torch; any other model's are computed by sentence-transformers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from signalbox.contracts import Vectors
from signalbox.encoder.source import Source

REFERENCES = Path(__file__).parent / "reference"

SENTENCES: tuple[str, ...] = (
    "",
    "ok",
    "Where is my parcel? It was due on Monday.",
    "How do I reset my password when I no longer have the phone with the authenticator app?",
    "I'd like my money back!!!",
    "refund pls, the tent leaks :(",
    "The tent's flysheet is rated to 3,000 mm; is that enough for a wet week in the Ardennes?",
    "Can I wash a down sleeping bag at 30 °C, and how long does it take to dry?",
    "Wo bleibt meine Bestellung LL-20012345?",
    "Je voudrais échanger cette couverture contre une plus grande, s'il vous plaît.",
    "¿Cuánto cuesta el envío a Noruega?",
    "Hva koster frakten til Tromsø?",
    "我的包裹在哪里？",
    "Где мой заказ?",
    "naïve café résumé Ångström",
    "EUR 1,234.56 vs. GBP 99 - which of the two is cheaper today?",
    "ERR_CONNECTION_RESET at https://api.larchandloom.example/v2/orders?page=3&size=200",
    "SELECT name, price FROM products WHERE price < 100 ORDER BY price DESC;",
    "def charge(order): return sum(line.price * line.count for line in order.lines)",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
    "🙂🙂 thanks a lot 🙏",
    "WHY DOES THE CHECKOUT SHOW AN ERROR EVERY SINGLE TIME I TRY TO PAY BY CARD",
    "Not working.",
    "The stove's gas cartridge has a screw valve after EN 417 and can't be sent by express.",
    "My colleague says that the second-hand shop gives twelve months of warranty. Is she right?",
    "Is the showroom in Ghent open on the first Sunday of the month?",
    "Please delete my account and everything you know about me, as the law lets me ask.",
    "webhook signature HMAC-SHA256 mismatch after rotating the secret",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "If the carrier has not scanned the parcel for ten working days, we declare it lost and send it again or "
    "refund it within three working days; until then, please wait, because most of them turn up. " * 3,
    "A text that is longer than the model reads is cut off at its limit. " * 30,
)

CALIBRATION: tuple[str, ...] = (
    "Hello",
    "What are your opening hours on public holidays?",
    "my order says delivered but there is nothing at the door",
    "Can I still change the delivery address of order 20045127?",
    "i was charged twice, please fix it asap",
    "How do I export all invoices of last year as PDF?",
    "The page keeps loading forever on my phone, but it works on the laptop.",
    "Is the blue rucksack in size M coming back into stock before summer?",
    "Ich möchte mein Konto löschen.",
    "Est-ce que vous livrez en Suisse ?",
    "How many requests per minute may my integration send before it gets a 429?",
    "Thank you, that solved it.",
    "What's the difference between the two- and the three-person tent?",
    "write me a poem about the sea",
    "The zip broke after two weeks. Is that covered by the warranty, and who pays for sending it in?",
    "does the discount code work together with a gift card",
    "In 1905, a patent clerk in Bern published four papers that changed physics.",
    "Water boils at 93 °C on a mountain of 2,000 m, which is why pasta takes longer there.",
    "POST /v2/orders returned 422: field `quantity` must be greater than 0",
    "The central bank raised its key interest rate by a quarter of a point on Thursday, as most had expected.",
    "Two-factor authentication can be switched on under Settings > Security; you need an authenticator app. "
    "Keep the recovery codes in a safe place: each of them works once, and without them we can't let you in.",
    "Returns are free within thirty days. Put the article into its box, print the label from your account, and take "
    "the parcel to any shop of the carrier. We refund the price to the card you paid with, usually within five days "
    "of the parcel's arrival, and write to you when that is done. Made-to-measure articles can't be sent back.",
)


def reference(source: Source) -> Vectors:
    """Unit vectors of SENTENCES by the original model, shape (len(SENTENCES), d).

    Raises:
        MissingDependency: they are not shipped, and sentence-transformers is not installed.
    """
    shipped = REFERENCES / f"{source.sha256[:16]}.npy"
    if shipped.is_file():
        vectors = np.load(shipped, allow_pickle=False).astype(np.float32)
        if len(vectors) == len(SENTENCES):
            return unit(vectors)
    from signalbox.encoder.torch_export import encode

    return unit(encode(source, SENTENCES))


def unit(vectors: Vectors) -> Vectors:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    result: Vectors = (vectors / np.maximum(length, 1e-12)).astype(np.float32)
    return result
