// A model and the classical ways on loci that none has seen
process POPGEN_COMPARE {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(model), path(parts, stageAs: 'parts/*/*'), path(tests, stageAs: 'tests/*/*')

    output:
    path 'comparison', emit: comparison
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    # a run resumed after a kill may work in the folder in which the killed one left off
    rm -rf simulations unseen; mkdir simulations unseen
    for part in parts/*/*/; do cp -rL "\$part". simulations; done
    for part in tests/*/*/; do cp -rL "\$part". unseen; done
    deepcohort popgen compare --model ${model}/${meta.id}.dcpop --simulations simulations --test unseen \\
        --output comparison ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf comparison; mkdir comparison
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
