// VCF of one sample, of any caller, and its reads -> the VCF with scores and FILTER
process FILTER_SAMPLE {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), path(vcf, stageAs: 'calls/*'), path(index, stageAs: 'calls/*'), val(samples),
        path(reads, stageAs: 'reads/?/*'), path(indexes, stageAs: 'reads/?/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path model, stageAs: 'model/*'

    output:
    tuple val(meta), path("${meta.id}.filtered.vcf.gz"), path("${meta.id}.filtered.vcf.gz.{tbi,csi}"), emit: vcf
    path '*.checksums.tsv', emit: checksums
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def (_name, platform, urls) = samples[0]
    def inputs = (urls + (reads instanceof List ? reads : [reads])).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    def weights = model ? "--model ${Shell.quote(model)}" : ''
    """
    deepcohort filter --vcf ${Shell.quote(vcf)} ${inputs} --reference ${fasta} --platform ${platform} ${weights} \\
        --output ${meta.id}.filtered.vcf.gz --checksums ${meta.id}.checksums.tsv ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.filtered.vcf.gz ${meta.id}.filtered.vcf.gz.tbi ${meta.id}.checksums.tsv
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
