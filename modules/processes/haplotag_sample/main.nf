// Reads of one sample and its phased VCF -> the reads with HP and PS
process HAPLOTAG_SAMPLE {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf), path(vcf_index), val(platform), val(urls),
        path(reads, stageAs: 'reads/?/*'), path(indexes, stageAs: 'reads/?/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    tuple val(meta), path("${meta.sample}.haplotagged.bam"), path("${meta.sample}.haplotagged.bam.{bai,csi}"),
        emit: reads
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = (urls + (reads instanceof List ? reads : [reads])).collect { "--reads ${Shell.quote(it)}" }.join(' ')
    """
    deepcohort haplotag --vcf ${vcf} ${inputs} --reference ${fasta} --sample ${meta.sample} --platform ${platform} \\
        --threads ${task.cpus} --output ${meta.sample}.haplotagged.bam ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.sample}.haplotagged.bam ${meta.sample}.haplotagged.bam.bai
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
