"""The model card: what a model is, what it was made from, how good it is, where it ends."""

from typing import Any

from deepcohort.model.config import TrainConfig

_LIMITS = {
    "illumina": "Short paired or single reads of 36-250 bp, diploid germline samples.",
    "hifi": "PacBio HiFi reads of a diploid germline sample.",
    "ont": "Oxford Nanopore R10 reads of a diploid germline sample.",
}


def model_card(about: dict[str, Any], config: TrainConfig, cpu_s: float) -> str:
    """Markdown text of the card of model.json's contents `about`."""
    facts = about["facts"]
    lines = [
        f"# deepcohort model `{about['name']}`",
        "",
        f"- version: {about['version']}; made by deepcohort {facts['code_version']}, torch {facts['torch']}",
        f"- platform: {about['platform']}. {_LIMITS.get(about['platform'], '')}",
        f"- encoder: version {about['encoder']['encoder_version']}, pileups of "
        f"{about['pileup']['rows']} reads x {2 * about['pileup']['flank_bp'] + 1} positions x "
        f"{len(about['encoder']['channels'])} channels, {len(about['encoder']['features'])} site features",
        f"- networks: CNN of {facts['multiply_adds'] / 1e6:.2f} million multiply-adds with the site features "
        f"in its head; feature model with hidden layers {list(config.small_units)}",
        f"- at call time: the feature model settles sites of confidence {about['settle_confidence']:.5f} or "
        f"more; elsewhere the CNN's share of the logits is {about['cnn_weight']['snp']:.2f} at SNPs, "
        f"{about['cnn_weight']['indel']:.2f} at indels",
        "",
        "## Data",
        "",
        f"Examples of 0, 1, 2 copies: {', '.join(f'{n:,}' for n in facts['labels'])}; "
        f"{facts['training_examples']:,} train, the rest (by stretch of genome) calibrate and test.",
        "Sources:",
        "",
    ]
    for source in facts["examples"]:
        made = source.get("config", {})
        reads = ", ".join(map(str, source.get("reads", [])))
        lines.append(
            f"- {reads or 'unnamed reads'}: seed {made.get('seed')}, {made.get('passes')} pass(es), "
            f"coverage and qualities {'randomised' if made.get('augment') else 'as they are'}"
        )
    if facts.get("init_from"):
        lines.append(f"- fine-tuned from {facts['init_from']}")
    lines += [
        "",
        "## Test set (never seen in training or tuning)",
        "",
        "| predictor | examples | errors | mean -ln p | variants: area under PR | recall at precision 99 % |",
        "|---|---|---|---|---|---|",
    ]
    for part, m in facts["metrics"].items():
        lines.append(
            f"| {part} | {m['examples']:.0f} | {m['errors']:.0f} | {m['nll']:.5f} | {m['pr_area']:.5f} | "
            f"{m['recall_at_99']:.4f} |"
        )
    lines += [
        "",
        "## Training",
        "",
        f"{cpu_s:.0f} CPU seconds on {facts['machine']}. Settings (the file `train.toml` repeats the run):",
        "",
        *[f"- {k}: {v}" for k, v in about["train"].items()],
        "",
        "## Limits",
        "",
        "Genotypes are diploid copies of one alternate allele. Somatic, mitochondrial and polyploid calling "
        "were not trained for. Figures above are of simulated or held-out data; accuracy on real samples "
        "stands in docs/models.md.",
        "",
    ]
    return "\n".join(lines)
