// Examples of many samples -> a model with its card
process TRAIN_MODEL {
    tag "${meta.id}"
    label 'process_high'

    input:
    tuple val(meta), path(examples, stageAs: 'examples/*')
    path config, stageAs: 'config/*'
    path init_from, stageAs: 'init/*'
    path natural, stageAs: 'natural/*'  // folders of examples that calibrate, or []

    output:
    tuple val(meta), path("${meta.id}"), emit: model
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def options = [
        config ? "--config ${Shell.quote(config)}" : '',
        init_from ? "--init-from ${Shell.quote(init_from)}" : '',
    ].join(' ')
    """
    folders=()
    for folder in examples/*; do folders+=(--examples "\$folder"); done
    for folder in natural/*; do [ ! -e "\$folder" ] || folders+=(--natural "\$folder"); done
    deepcohort train "\${folders[@]}" --output ${meta.id} --name ${meta.id} ${options} ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    rm -rf ${meta.id}; mkdir ${meta.id}
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
