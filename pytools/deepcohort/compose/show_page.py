"""Pictures of many sites on one HTML page, with next and previous."""

import base64
import html
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.progress import track

if TYPE_CHECKING:
    from deepcohort.compose.io_sites import Site

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif }}
body {{ margin: 0 }}
header {{ position: sticky; top: 0; padding: .5em 1em; background: Canvas }}
button {{ font: inherit; padding: .3em .8em }}
select {{ font: inherit; max-width: 40em; width: 60% }}
section {{ display: none; padding: 1em }}
section.shown {{ display: block }}
img {{ width: 100%; max-width: 1400px; background: white }}
pre {{ white-space: pre-wrap }}
</style></head><body>
<header><button id="previous">&#8592; previous</button> <button id="next">next &#8594;</button>
<select id="sites" aria-label="site">{options}</select> <span id="where"></span></header>
"""
_TAIL = """<script>
const sections = [...document.querySelectorAll("section")], list = document.getElementById("sites");
function show(k) {
  k = Math.max(0, Math.min(sections.length - 1, k));
  sections.forEach((s, i) => s.classList.toggle("shown", i === k));
  list.selectedIndex = k;
  document.getElementById("where").textContent = (k + 1) + " of " + sections.length;
  history.replaceState(null, "", "#" + sections[k].id);
}
document.getElementById("previous").onclick = () => show(list.selectedIndex - 1);
document.getElementById("next").onclick = () => show(list.selectedIndex + 1);
list.onchange = () => show(list.selectedIndex);
document.onkeydown = e => {
  if (e.key === "ArrowLeft") show(list.selectedIndex - 1);
  if (e.key === "ArrowRight") show(list.selectedIndex + 1);
};
show(Math.max(0, sections.findIndex(s => "#" + s.id === location.hash)));
</script></body></html>
"""


def write_page(
    files: dict[str, list[Path]],
    reference: Path,
    sites: "Sequence[Site]",
    output: Path,
    platform: str,
    model: str,
    max_reads: int,
    flank_bp: int,
    quiet: bool = False,
    haplotypes: bool = False,
    alt: str = "",
) -> int:
    """Write all sites into one self-contained page; how many were drawn.

    Raises:
        DeepcohortError: nothing to draw; unreadable inputs or model.
    """
    from deepcohort.compose.show_drawing import png_of
    from deepcohort.compose.show_run import gather_samples

    if not sites:
        raise DeepcohortError("no site to show; see --site, --vcf and --judged")
    sections, options = [], []
    for k, site in enumerate(track(sites, len(sites), "show", quiet)):
        pictures = gather_samples(
            files, reference, site.text, alt, platform, model, max_reads, flank_bp, haplotypes
        )
        about = html.escape(" ".join(filter(None, (site.text, site.about))))
        lines = html.escape("\n".join(picture.line for picture in pictures))
        picture = base64.b64encode(png_of(pictures)).decode()
        options.append(f"<option>{about}</option>")
        sections.append(
            f'<section id="site{k + 1}"><h2>{about}</h2><pre>{lines}</pre>'
            f'<img alt="reads at {about}" src="data:image/png;base64,{picture}"></section>'
        )
    head = _HEAD.format(title=html.escape(output.stem), options="".join(options))
    with atomic_outputs(output) as (temporary,):
        temporary.write_text(head + "\n".join(sections) + _TAIL, encoding="utf-8")
    return len(sections)
