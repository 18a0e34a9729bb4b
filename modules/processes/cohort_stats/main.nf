// Cohort VCF -> counts, relatedness, sex check, Mendelian violations
process COHORT_STATS {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf), path(index)
    path pedigree

    output:
    path 'stats', emit: stats
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort stats --vcf ${vcf} --pedigree ${pedigree} --output stats ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf stats; mkdir stats
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
