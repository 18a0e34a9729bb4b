// One contig of the cohort VCF -> the same with the unrelated samples phased by Beagle
process PHASE_CONTIG {
    tag "${meta.shard}"
    label 'process_high'

    input:
    tuple val(meta), path(vcf), path(index), path(panel, stageAs: 'panel/*')  // panel: phased VCF or bref3, or []
    path pedigree

    output:
    tuple val(meta), path("${meta.id}.phased.vcf.gz"), path("${meta.id}.phased.vcf.gz.{tbi,csi}"), emit: vcf
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def reference = panel ? "--panel ${Shell.quote(panel)}" : ''
    """
    deepcohort phase --vcf ${vcf} --contig ${Shell.quote(meta.shard)} ${reference} --pedigree ${pedigree} \\
        --threads ${task.cpus} --memory-mb ${Math.max(500, (task.memory.toMega() * 0.75).intValue())} \\
        --output ${meta.id}.phased.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.phased.vcf.gz ${meta.id}.phased.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
