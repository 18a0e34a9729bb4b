"""A Predictor for tests: naive diploid likelihoods from the site features. Never shipped."""

import numpy as np
from deepcohort.pileup.config import PileupConfig
from deepcohort.pileup.features import FEATURE_NAMES


class NaivePredictor:
    """P(copies) from log10 likelihood ratios with a prior of 1e-3; paints every site it is unsure of."""

    name = "naive"
    version = "0"
    platform = "illumina"
    config = PileupConfig()

    def predict_lazily(self, features, pixels_of):
        het = features[:, FEATURE_NAMES.index("lod_het_raw")].astype(np.float64) * 10
        hom = het + features[:, FEATURE_NAMES.index("lod_hom_het_raw")] * 10
        logs = np.stack([np.zeros(len(het)), het - 3, hom - 3.3], axis=1)
        p = 10.0 ** (logs - logs.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        unsure = np.flatnonzero(p.max(axis=1) < 0.99)
        if len(unsure):
            assert len(pixels_of(unsure)) == len(unsure)
        return p.astype(np.float32)
