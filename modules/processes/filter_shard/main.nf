// Cohort VCF of any caller and its samples' reads, one shard -> the records with scores and FILTER
process FILTER_SHARD {
    tag "${meta.id}"
    label 'process_medium'

    input:
    tuple val(meta), path(shard), path(vcf, stageAs: 'cohort/*'), path(index, stageAs: 'cohort/*'), val(samples),
        path(reads, stageAs: 'reads/?/*'), path(indexes, stageAs: 'reads/?/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path model, stageAs: 'model/*'
    val may_lack  // whether samples of the VCF may have no reads

    output:
    tuple val(meta), path("${meta.id}.filtered.vcf.gz"), path("${meta.id}.filtered.vcf.gz.{tbi,csi}"), emit: vcf
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def sheet = ReadsSheet.text(samples, reads instanceof List ? reads : [reads])
    def options = [model ? "--model ${Shell.quote(model)}" : '', may_lack ? '--allow-missing-reads' : ''].join(' ')
    """
    printf '%s' ${Shell.quote(sheet)} > reads.csv
    deepcohort filter --vcf ${Shell.quote(vcf)} --samplesheet reads.csv --reference ${fasta} \\
        --regions ${shard} ${options} \\
        --threads ${task.cpus} --output ${meta.id}.filtered.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.filtered.vcf.gz ${meta.id}.filtered.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
