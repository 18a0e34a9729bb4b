// gVCFs and stored cohorts of all samples, one shard -> alleles that any read of any sample speaks for
process LIST_SITES {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(shard), path(stores, stageAs: 'stores/?/*')
    tuple path(gvcfs, stageAs: 'gvcfs/*'), path(indexes, stageAs: 'gvcfs/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    tuple val(meta), path("${meta.id}.sites.vcf.gz"), path("${meta.id}.sites.vcf.gz.{tbi,csi}"), emit: sites
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def stored = stores ? '--cohort-list stores.txt' : ''
    """
    ls gvcfs/*.g.vcf.gz > gvcfs.txt
    ${stores ? 'ls stores/*/* > stores.txt' : ''}
    deepcohort sites --gvcf-list gvcfs.txt ${stored} --reference ${fasta} --regions ${shard} --quiet \\
        --output ${meta.id}.sites.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.sites.vcf.gz ${meta.id}.sites.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
