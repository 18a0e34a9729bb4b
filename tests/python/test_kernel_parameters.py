"""Kernels take few parameters: arrays that belong together come as one NamedTuple.

The list may only become shorter. A kernel that is not in it has at most ten parameters.
"""

import ast
from pathlib import Path

import deepcohort

PACKAGE = Path(deepcohort.__file__).parent
MOST = 10
KERNELS = {"kernel", "borrowing_kernel"}
STILL_WIDE = frozenset(
    [
        "candidates.assembly_kernels:_add_reads",
        "candidates.assembly_kernels:_find_bubbles",
        "candidates.assembly_kernels:assemble_windows",
        "candidates.clip_kernels:_record",
        "candidates.clip_kernels:spell_clips",
        "candidates.faint_kernels:faint_snps",
        "candidates.haplotype_kernels:build_haplotype",
        "candidates.haplotype_kernels:read_mask",
        "candidates.indel_kernels:cross_repeat",
        "candidates.indel_kernels:judge_indels",
        "candidates.kernels:count_reads",
        "candidates.kernels:find_snps",
        "candidates.kernels:write_alleles",
        "candidates.realign_kernels:anchor_reads",
        "candidates.realign_kernels:build_haplotypes",
        "candidates.realign_kernels:fit_window",
        "candidates.realign_kernels:left_flank",
        "candidates.realign_kernels:realign_windows",
        "candidates.realign_kernels:rewrite_reads",
        "candidates.realign_kernels:right_flank",
        "candidates.realign_kernels:score_middle",
        "candidates.rewrite_kernels:rewrite_left",
        "candidates.rewrite_kernels:rewrite_right",
        "candidates.support_kernels:judge_reads",
        "candidates.support_kernels:lend_quality",
        "joint.evidence_kernels:sweep_sample",
        "joint.family_kernels:_tell",
        "joint.family_kernels:pedigree_posteriors",
        "joint.parse_kernels:_parse_lines",
        "joint.parse_kernels:parse_records",
        "joint.pool_kernels:pool_reads",
        "joint.project_kernels:project_site",
        "joint.quality_kernels:shallow_quality",
        "pileup.feature_kernels:_company",
        "pileup.feature_kernels:_differences",
        "pileup.feature_kernels:candidate_features",
        "pileup.feature_kernels:read_features",
        "pileup.kernels:_paint_read",
        "pileup.kernels:paint_candidates",
    ]
)


def wide_kernels() -> set[str]:
    """`module:kernel` of kernels with more than MOST parameters."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(d, ast.Name) and d.id in KERNELS for d in node.decorator_list
            ):
                a = node.args
                if len(a.posonlyargs) + len(a.args) + len(a.kwonlyargs) > MOST:
                    found.add(f"{module}:{node.name}")
    return found


def test_no_kernel_becomes_wide():
    assert wide_kernels() - STILL_WIDE == set(), "put arrays that belong together into a NamedTuple"


def test_the_list_only_names_what_is_wide():
    assert STILL_WIDE - wide_kernels() == set(), "strike them from the list"
