// One share of the loci of a task
process POPGEN_SIMULATE {
    tag "${meta.id} ${meta.shard}"
    label 'process_low'

    input:
    tuple val(meta), val(task_name), path(task_file), val(loci), val(seed)

    output:
    tuple val(meta), path('loci'), emit: loci
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def what = task_file ? Shell.quote(task_file) : Shell.quote(task_name)
    """
    deepcohort popgen simulate --task ${what} --loci ${loci} --seed ${seed} --shard ${meta.shard}/${meta.n_shards} \\
        --threads ${task.cpus} --output loci ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf loci; mkdir loci
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
