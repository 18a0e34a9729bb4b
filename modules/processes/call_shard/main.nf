// Reads of one sample, one shard -> gVCF and VCF of that shard, and what MERGE_SAMPLE phases them by (or an empty file)
process CALL_SHARD {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), val(platform), val(sex), val(contamination), val(urls), path(reads, stageAs: 'reads/?/*'),
        path(indexes, stageAs: 'reads/?/*'), path(shard)
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path paralogs
    path model, stageAs: 'model/*'
    tuple path(alleles, stageAs: 'alleles/*'), path(alleles_index, stageAs: 'alleles/*')
    tuple path(panel, stageAs: 'panel/*'), path(panel_index, stageAs: 'panel/*')

    output:
    tuple val(meta), path("${meta.id}.g.vcf.gz"), path("${meta.id}.g.vcf.gz.{tbi,csi}"), path("${meta.id}.vcf.gz"),
        path("${meta.id}.vcf.gz.{tbi,csi}"), path("${meta.id}.phase.npz"), emit: calls
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = (urls + (reads instanceof List ? reads : [reads])).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    def copies = paralogs ? "--paralogs ${paralogs}" : '--no-place-paralogs'
    def given = alleles ? "--alleles ${Shell.quote(alleles)}" : ''
    def foreign = contamination ? "--contamination ${contamination}" : ''
    def prior = panel ? "--panel ${Shell.quote(panel)}" : ''
    def phase = task.ext.phase == false ? '--no-phase' : "--phase-evidence ${meta.id}.phase.npz"
    def weights = model ? "--model ${Shell.quote(model)}" : ''
    """
    deepcohort call ${inputs} --reference ${fasta} --sample ${meta.sample} --platform ${platform} --sex ${sex} \\
        --regions ${shard} ${copies} --gvcf ${meta.id}.g.vcf.gz --vcf ${meta.id}.vcf.gz \\
        ${weights} ${given} ${prior} ${phase} ${foreign} \\
        --quiet ${task.ext.args ?: ''}
    touch ${meta.id}.phase.npz
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.g.vcf.gz ${meta.id}.g.vcf.gz.tbi ${meta.id}.vcf.gz ${meta.id}.vcf.gz.tbi ${meta.id}.phase.npz
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
