// Parts of the stored cohort -> the table that makes them one, once none is missing
process INDEX_STORE {
    label 'process_single'

    input:
    path parts, stageAs: 'parts/?/*'  // cohort.json of each; the parts themselves stay where they are
    path shards

    output:
    path 'cohort.json', emit: table
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    ls parts/*/cohort.json > parts.txt
    deepcohort store --part-list parts.txt --shards ${shards} --output cohort.json ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch cohort.json
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
