#!/usr/bin/env bash
# The pipeline on a real Slurm: a one-node cluster is started, a cohort is simulated and called with -profile slurm,
# one job is refused as if the queue were full and must come again, a running call job is cancelled (scancel) and
# must be retried, and -resume must redo nothing.
#
#   tests/slurm/run.sh [--install] [--demo] [-stub]     exit 0: passed; 77: skipped, with the reason; else failed
#
# --demo: the cohort of `make demo` (four samples, 1 Mb) instead of the small one of the tests.
# --install: fetch Slurm and munge from Debian when they are missing (root only).
# DEEPCOHORT_TEST_SCRATCH: folder for everything that is written (default: a new one in /tmp, removed).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
install=no
cohort=test
stub=()
for argument in "$@"; do
    case $argument in
        --install) install=yes ;;
        --demo) cohort=demo ;;
        -stub) stub=(-stub) ;;
        *) echo "usage: run.sh [--install] [--demo] [-stub]" >&2; exit 2 ;;
    esac
done
export PATH="$PATH:/usr/sbin:/sbin"

skip() { echo "SKIP: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

missing() {
    local command
    for command in munged slurmctld slurmd sbatch squeue scancel scontrol; do
        command -v "$command" > /dev/null || { echo "$command"; return; }
    done
}

[ "$(id -u)" = 0 ] || skip "starting a Slurm needs root"
nextflow=${NEXTFLOW:-$root/.venv/bin/nextflow}
[ -x "$nextflow" ] || skip "no Nextflow at $nextflow; run make setup"
if [ -n "$(missing)" ] && [ $install = yes ] && command -v apt-get > /dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; } \
        > /dev/null 2>&1 || skip "apt-get could not install slurm-wlm and munge"
fi
[ -z "$(missing)" ] || skip "$(missing) is not installed (Debian: apt install slurm-wlm munge, or run.sh --install)"

scratch=${DEEPCOHORT_TEST_SCRATCH:-$(mktemp -d /tmp/deepcohort-slurm.XXXXXX)}
mkdir -p "$scratch"
cluster=$(mktemp -d /tmp/dcslurm.XXXXXX) # munge's socket needs a short path whose folders others may not write
cleanup() {
    "$here/cluster.sh" stop "$cluster" || true
    sleep 0.5
    rm -rf "$cluster"
    [ -n "${DEEPCOHORT_TEST_SCRATCH:-}" ] || rm -rf "$scratch"
}
trap cleanup EXIT
"$here/cluster.sh" start "$cluster" || skip "this machine cannot run a Slurm of its own"
export SLURM_CONF=$cluster/slurm.conf

# only the patience is other than in conf/slurm.config: one node answers faster than a thousand
cat > "$scratch/quick.config" <<'CONFIG'
executor {
    pollInterval      = '500ms'
    queueStatInterval = '2s'
    exitReadTimeout   = '10s'
    retry.delay       = '1s'
}
CONFIG
# the queue is full, as far as the third job is told: it must wait and come again
mkdir -p "$scratch/bin"
cat > "$scratch/bin/sbatch" <<SBATCH
#!/usr/bin/env bash
echo >> "$scratch/submissions"
if [ \$(wc -l < "$scratch/submissions") = 3 ]; then
    echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)" >&2
    exit 1
fi
exec $(command -v sbatch) "\$@"
SBATCH
chmod +x "$scratch/bin/sbatch"
export PATH="$scratch/bin:$PATH"
cd "$scratch"
pipeline=("$nextflow" -q run "$root" -profile "$cohort,slurm" -c quick.config --outdir results -work-dir work "${stub[@]}")
# a stubbed task is over before anyone can cancel it
if [ ${#stub[@]} != 0 ]; then echo "process { withName: 'CALL_SHARD' { beforeScript = 'sleep 4' } }" >> quick.config; fi

"${pipeline[@]}" > first.log 2>&1 &
head=$!
victim=
while kill -0 $head 2> /dev/null && [ -z "$victim" ]; do
    victim=$(squeue -h -t RUNNING -o '%i %j' | awk '/CALL_SHARD/ {print $1; exit}')
    sleep 0.2
done
[ -n "$victim" ] || { cat first.log; fail "no call job ever ran on Slurm"; }
sleep 0.5
scancel "$victim"
echo "cancelled job $victim ($(scontrol show job "$victim" | grep -o 'JobName=.*'))"
wait $head || { cat first.log; fail "the run did not survive the cancelled job"; }

trace=results/pipeline_info/trace.tsv
column() { awk -F '\t' -v name="$1" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) k = i; next} {print $k}' "$2"; }
cancelled=$(awk '/JobState=CANCELLED/' "$cluster/jobs.txt" | wc -l)
completed=$(awk '/JobState=COMPLETED/' "$cluster/jobs.txt" | wc -l)
tasks=$(column status $trace | grep -c COMPLETED)
[ "$cancelled" = 1 ] || fail "Slurm's log holds $cancelled cancelled jobs, not 1"
[ "$completed" = "$tasks" ] || fail "Slurm completed $completed jobs, Nextflow $tasks tasks: some ran elsewhere"
[ "$(column attempt $trace | sort -n | tail -n 1)" = 2 ] || fail "the cancelled task was not tried again"
checksums() { (cd results && find . -name '*.vcf.gz' -type f | sort | xargs sha256sum); }
checksums > first.sha256

"${pipeline[@]}" -resume > second.log 2>&1 || { cat second.log; fail "-resume failed"; }
again=$(column status $trace | grep -vc CACHED || true)
[ "$again" = 0 ] || fail "-resume ran $again tasks again"
checksums | cmp - first.sha256 || fail "-resume changed the results"
echo "PASSED: $cohort, $tasks tasks as Slurm jobs, a refused one came again, a cancelled one was retried, -resume redid none"
