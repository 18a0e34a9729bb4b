// gVCFs and stored cohorts of all samples, one shard -> joint genotypes of that shard, and what was read of them
process GENOTYPE_SHARD {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(shard), path(stores, stageAs: 'stores/?/*')
    tuple path(gvcfs, stageAs: 'gvcfs/*'), path(indexes, stageAs: 'gvcfs/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path pedigree
    val save  // whether to store the cohort for later runs

    output:
    tuple val(meta), path("${meta.id}.cohort.vcf.gz"), path("${meta.id}.cohort.vcf.gz.{tbi,csi}"), emit: vcf
    tuple path("store/${meta.id}.store"), path('store/cohort.json'), emit: store, optional: true
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = [
        gvcfs ? '--gvcf-list gvcfs.txt' : '',
        stores ? '--cohort-list stores.txt' : '',
        save ? "--save-cohort store --shards ${shard}" : "--regions ${shard}",
    ].join(' ')
    """
    ${gvcfs ? 'ls gvcfs/*.g.vcf.gz > gvcfs.txt' : ''}
    ${stores ? 'ls stores/*/* > stores.txt' : ''}
    deepcohort genotype ${inputs} --sort-samples --quiet --reference ${fasta} --pedigree ${pedigree} \\
        --output ${meta.id}.cohort.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.cohort.vcf.gz ${meta.id}.cohort.vcf.gz.tbi
    ${save ? "mkdir -p store; touch store/${meta.id}.store store/cohort.json" : ''}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
