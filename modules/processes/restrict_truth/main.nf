// Confident regions of a truth, cut to what was called
process RESTRICT_TRUTH {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(bed, stageAs: 'truth/*')
    path regions, stageAs: 'regions/*'

    output:
    tuple val(meta), path("${meta.id}.confident.bed"), emit: bed
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort intersect --bed ${bed} --within ${regions} --output ${meta.id}.confident.bed
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.confident.bed
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
