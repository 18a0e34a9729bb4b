// Cohort VCF -> probabilities of selection by window
process POPGEN_SCAN {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(vcf), path(index)
    tuple val(model_name), path(model, stageAs: 'model/*')

    output:
    path 'scan', emit: scan
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def what = model ? Shell.quote(model) : Shell.quote(model_name)
    """
    deepcohort popgen scan --vcf ${vcf} --model ${what} --threads ${task.cpus} --output scan ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf scan; mkdir scan
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
