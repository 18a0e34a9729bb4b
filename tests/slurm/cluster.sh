#!/usr/bin/env bash
# A one-node Slurm of our own in a scratch folder: `cluster.sh start DIR` and `cluster.sh stop DIR`.
# Touches neither /etc/slurm nor a cluster that runs already; needs root, and slurmctld, slurmd, munged.
# After start: export SLURM_CONF=DIR/slurm.conf
set -euo pipefail
action=$1
dir=$2
export PATH="$PATH:/usr/sbin:/sbin"
# ports of our own, by folder, so that two tests can run at once
port=$((20000 + $(printf '%s' "$dir" | cksum | cut -d' ' -f1) % 20000))

start() {
    mkdir -p "$dir"/{state,spool,munge}
    chmod 755 "$dir" "$dir/munge"
    dd if=/dev/urandom of="$dir/munge.key" bs=128 count=1 status=none
    chmod 600 "$dir/munge.key"
    munged --force --key-file="$dir/munge.key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" --seed-file="$dir/munge.seed"
    # shellcheck disable=SC2046
    cat > "$dir/slurm.conf" <<CONF
ClusterName=deepcohort_test
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
SlurmUser=root
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
JobCompType=jobcomp/filetxt
JobCompLoc=$dir/jobs.txt
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=2
KillWait=3
MinJobAge=600
ReturnToService=2
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(($(awk '/MemTotal/ {print $2}' /proc/meminfo) / 1100)) State=UNKNOWN
PartitionName=main Nodes=$(hostname) Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld -f "$dir/slurm.conf"
    slurmd -f "$dir/slurm.conf"
    for _ in $(seq 50); do
        if sinfo -h -o %T 2>/dev/null | grep -q idle; then return 0; fi
        sleep 0.2
    done
    echo "slurm did not come up:" >&2
    tail -n 5 "$dir"/*.log >&2
    return 1
}

stop() {
    for daemon in slurmd slurmctld munged; do
        if [ -s "$dir/$daemon.pid" ]; then kill "$(cat "$dir/$daemon.pid")" 2>/dev/null || true; fi
    done
}

case $action in
    start) start || { stop; exit 1; } ;;
    stop) stop ;;
    *) echo "usage: cluster.sh start|stop DIR" >&2; exit 2 ;;
esac
