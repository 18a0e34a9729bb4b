// gVCFs of some samples -> a stored cohort of them, one part per shard of joint genotyping
process STORE_BATCH {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(gvcfs, stageAs: 'gvcfs/*'), path(indexes, stageAs: 'gvcfs/*')
    path shards
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    tuple val(meta), path("${meta.id}/*.store"), emit: store
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    ls gvcfs/*.g.vcf.gz > gvcfs.txt
    deepcohort genotype --gvcf-list gvcfs.txt --quiet --reference ${fasta} --shards ${shards} \\
        --save-cohort ${meta.id} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf ${meta.id}; mkdir ${meta.id}
    for name in \$(cut -f 4 ${shards} | sort -u); do touch ${meta.id}/\$name.store; done
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
