#!/usr/bin/env bash
# A wheel in an empty environment calls with the model it carries, from a folder that cannot be written, and names the
# extra that a command lacks: tests/wheel/run.sh dist/deepcohort-*.whl [PYTHON]
set -euo pipefail
wheel=$(realpath "$1")
python=${2:-python3}
here=$(mktemp -d)
trap 'chmod -R u+w "$here"; rm -rf "$here"' EXIT

"$python" -m venv "$here/venv"
"$here/venv/bin/pip" install --quiet "$wheel"
du -sm "$here/venv" | sed 's/\t.*/ MB with all that calling needs/'
"$here/venv/bin/python" - "$here" <<'END'
import sys
from pathlib import Path
from deepcohort.compose.io_warm import write_warm_inputs
write_warm_inputs(Path(sys.argv[1]))
END
chmod -R a-w "$here/venv"
mkdir "$here/locked" "$here/home" "$here/out"
chmod a-w "$here/locked"
cd "$here/locked"
export HOME=$here/home
"$here/venv/bin/deepcohort" --version
"$here/venv/bin/deepcohort" call --reads "$here/warm0.bam" --reference "$here/warm.fa" --gvcf "$here/out/a.g.vcf.gz" \
    --vcf "$here/out/a.vcf.gz" --quiet
variants=$(gzip -dc "$here/out/a.vcf.gz" | grep -vc '^#')
echo "$variants variants called"
[ "$variants" -ge 3 ]

# each of them needs an extra that is not here: one line, exit code 2
refused() {
    local status=0 said
    said=$("$here/venv/bin/deepcohort" "${@:2}" 2>&1) || status=$?
    if [ "$status" != 2 ] || [ "$(wc -l <<<"$said")" != 1 ] || ! grep -q "deepcohort\[$1\]" <<<"$said"; then
        echo "deepcohort ${*:2}: exit code $status, not one line that names [$1]: $said" >&2
        exit 1
    fi
    echo "$said"
}
refused simulate simulate --output "$here/out/sim" --genome-bp 20000
refused train train --examples "$here/out" --output "$here/out/model"
echo "the wheel is sound"
