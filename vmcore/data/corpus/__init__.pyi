from .alike import AlikeIndex, perceptual_hash
from .card import CorpusCard, CorpusError, CorpusSettings, CorpusStoppedError
from .finding import CorpusSource
from .leaving_out import LeftOut, Refused, count_left_out, left_out_study
from .listed import ListedSource, find_listed, listed_sources, source_of
from .preparing import prepare_corpus
from .shards import Corpus, open_corpus
from .writing import ImageRow, ShardWriter

__all__ = [
    "AlikeIndex",
    "Corpus",
    "CorpusCard",
    "CorpusError",
    "CorpusSettings",
    "CorpusSource",
    "CorpusStoppedError",
    "ImageRow",
    "LeftOut",
    "ListedSource",
    "Refused",
    "ShardWriter",
    "count_left_out",
    "find_listed",
    "left_out_study",
    "listed_sources",
    "open_corpus",
    "perceptual_hash",
    "prepare_corpus",
    "source_of",
]
