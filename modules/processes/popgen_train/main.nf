// Simulated loci -> a model that tells their scenarios apart
process POPGEN_TRAIN {
    tag "${meta.id}"
    label 'process_high'

    input:
    tuple val(meta), path(parts, stageAs: 'parts/*/*')
    path config, stageAs: 'config/*'

    output:
    tuple val(meta), path("${meta.id}"), emit: model
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def options = config ? "--config ${Shell.quote(config)}" : ''
    """
    # a run resumed after a kill may work in the folder in which the killed one left off
    rm -rf simulations; mkdir simulations
    for part in parts/*/*/; do cp -rL "\$part". simulations; done
    deepcohort popgen train --simulations simulations --output ${meta.id} --name ${meta.id} \\
        ${options} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf ${meta.id}; mkdir ${meta.id}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
