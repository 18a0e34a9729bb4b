"""What `deepcohort warm` compiles: a kernel that it misses is compiled anew by every task in a container."""

import json
import subprocess
import sys

import pytest

# kernels that some commands alone reach: (module, kernel, array layouts it is called with)
REACHED = {
    ("deepcohort.evaluate.decompose", "align"): 1,  # complex records
    ("deepcohort.evaluate.variant_kernels", "inside_regions"): 1,  # a BED of confident regions
    ("deepcohort.evaluate.variant_kernels", "trim_reference"): 1,  # --ref-overlap
    ("deepcohort.joint.evidence_kernels", "sweep_sample"): 2,  # a cohort, and one sample alone
    ("deepcohort.joint.store_kernels", "decode_window"): 1,
    ("deepcohort.joint.validate_kernels", "records_valid"): 1,
    ("deepcohort.reads.kernels", "tell_unnamed_apart"): 1,  # reads named `*`
    ("deepcohort.annotate.allele_kernels", "splice"): 1,
    ("deepcohort.annotate.genotype_kernels", "list_carriers"): 1,
    ("deepcohort.annotate.genotype_kernels", "read_samples"): 1,
    ("deepcohort.annotate.line_kernels", "match_lines"): 1,
    ("deepcohort.annotate.table_kernels", "gather"): 1,
    ("deepcohort.paralogs.liftover_kernels", "lift_alignment"): 1,  # reads that lie at the wrong copy
    ("deepcohort.popgen.coalescent_kernels", "linked_history"): 1,
    ("deepcohort.popgen.coalescent_kernels", "unlinked_snps"): 1,
    ("deepcohort.popgen.statistic_kernels", "shared_lengths"): 1,
    ("deepcohort.popgen.statistic_kernels", "haplotype_classes"): 1,
    ("deepcohort.popgen.statistic_kernels", "mean_r2"): 1,
}
_SCRIPT = """
import importlib, json, sys
from deepcohort.compose import warm_run
warm_run._warm_cohort()
warm_run._warm_calling()
asked = json.loads(sys.argv[1])
print(json.dumps([len(getattr(importlib.import_module(m), k).signatures) for m, k in asked]))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kernels_of_single_commands_are_reached():
    asked = [[module, kernel] for module, kernel in REACHED]
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(asked)], capture_output=True, text=True, check=True
    )
    found = json.loads(result.stdout.splitlines()[-1])
    assert {tuple(key): n for key, n in zip(asked, found, strict=True)} == REACHED
