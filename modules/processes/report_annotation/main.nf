// Annotated cohort VCF -> counts, carriers, candidates in families
process REPORT_ANNOTATION {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf), path(index)
    path pedigree

    output:
    path 'annotation', emit: report
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort annotate --vcf ${vcf} --pedigree ${pedigree} --report annotation ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf annotation; mkdir annotation
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
