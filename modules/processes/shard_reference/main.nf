// Indexed reference -> one BED per shard, in genome order
process SHARD_REFERENCE {
    label 'process_low'

    input:
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path regions, stageAs: 'regions/*'
    val contigs
    val shard_bp  // callable bp per shard, at most; '': the command's own

    output:
    path 'shards/*.bed', emit: shards
    path 'shards.bed', emit: table
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def options = [
        regions ? "--regions ${Shell.quote(regions)}" : '',
        contigs ? "--contigs ${Shell.quote(contigs)}" : '',
        shard_bp ? "--shard-bp ${shard_bp}" : '',
    ].join(' ')
    """
    deepcohort shard --reference ${fasta} ${options} --output shards.bed --directory shards ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    def n = task.ext.stub_shards ?: 2
    """
    rm -rf shards shards.bed; mkdir shards
    for i in \$(seq 1 ${n}); do
        name=\$(printf 'shard_%05d' \$i)
        printf 'chr1\\t%d\\t%d\\t%s\\n' \$((i * 100 - 100)) \$((i * 100)) \$name | tee -a shards.bed > shards/\$name.bed
    done
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
