"""The model card of a popgen model."""

from typing import Any


def _range(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g}" if pair[0] == pair[1] else f"{pair[0]:g} to {pair[1]:g}"


def model_card(about: dict[str, Any]) -> str:
    """Markdown: what the model tells apart, what it was trained on, how well, and where not to use it."""
    task, facts, m = about["task"], about["facts"], about["facts"]["metrics"]
    groups = ", ".join(
        f"{g['haplotypes']} haplotypes ({g['name']}, {g['age_years']:g} years old)"
        if g["age_years"]
        else f"{g['haplotypes']} haplotypes ({g['name']})"
        for g in task["groups"]
    )
    lines = [
        f"# {about['name']}",
        "",
        f"Version {about['version']}. Tells apart: {', '.join(about['labels'])}.",
        "",
        f"- Trained on {facts['loci']:,} simulated loci (task `{task['name']}`, seed {facts['seed']}): "
        + (f"{task['unlinked_snps']} unlinked SNPs" if task["unlinked_snps"] else f"{task['locus_bp']:,} bp")
        + f", {groups}.",
        f"- Mutation rate {_range(task['mutation_rate'])}, recombination {_range(task['recombination'])}, "
        f"share of it in hotspots {_range(task['hotspot_share'])}.",
    ]
    if task["kind"] == "selection":
        lines.append(
            f"- History: {task['history']}, deme {task['focal']}; no migrants since the selected allele "
            "arose."
        )
        lines += [
            f"- {name} drawn for every locus: {low:g} to {high:g}, {shape}."
            for name, (low, high, shape) in task["priors"]
        ]
    for s in task["scenarios"]:
        if s["mode"] != "neutral":
            lines.append(
                f"- {s['label']}: s {', '.join(f'{v:g}' for v in s['s'])}, dominance {s['dominance']:g}, "
                f"onset {s['onset_years'][0]:g} to {s['onset_years'][1]:g} years ago, "
                f"present frequency {s['frequency'][0]:g} to {s['frequency'][1]:g}."
            )
    o = about["observation"]
    lines += [
        "- Observed: " + ", ".join(f"{k} {v}" for k, v in o.items()) + ".",
        f"- Held-out loci: {m['loci']:.0f}, accuracy {m['accuracy']:.4f}, mean -ln p {m['nll']:.4f}; "
        f"temperature {about['temperature']:g}.",
        "",
        "## Parameters",
        "",
        "Share of true values below each claimed quantile (simulation-based calibration), and R2 of the "
        "median:",
        "",
    ]
    for name, row in facts["coverage"].items():
        lines.append(f"- {name}: " + ", ".join(f"{k} {v:.3g}" for k, v in row.items()))
    lines += [
        "",
        "## Limits",
        "",
        "Probabilities hold for loci like those simulated, at the class frequencies of training "
        "(equal). Selection is "
        "rare in a genome: rank windows, and look at their misfit first. Histories, recombination and "
        "mutation rates "
        "other than those above shift them; train on your own history where you know it.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)
