// Reads of one sample, one shard, alleles of the cohort there -> records of these alleles
process LOOK_SHARD {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), val(platform), val(sex), val(urls), path(reads, stageAs: 'reads/?/*'),
        path(indexes, stageAs: 'reads/?/*'), path(shard), path(sites), path(sites_index)
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path paralogs
    path model, stageAs: 'model/*'

    output:
    tuple val(meta), path("${meta.id}.look.g.vcf.gz"), path("${meta.id}.look.g.vcf.gz.{tbi,csi}"), emit: look
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = (urls + (reads instanceof List ? reads : [reads])).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    def copies = paralogs ? "--paralogs ${paralogs}" : '--no-place-paralogs'
    def weights = model ? "--model ${Shell.quote(model)}" : ''
    """
    deepcohort call ${inputs} --reference ${fasta} --sample ${meta.sample} --platform ${platform} --sex ${sex} \\
        --regions ${shard} ${copies} --alleles ${sites} --second-look \\
        --gvcf ${meta.id}.look.g.vcf.gz ${weights} --quiet ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.look.g.vcf.gz ${meta.id}.look.g.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
