// Parts of the stored cohort -> the table that makes them one, once none is missing
process INDEX_STORE {
    label 'light'

    input:
    path parts, stageAs: 'parts/?/*'  // cohort.json of each; the parts themselves stay where they are
    path shards

    output:
    path 'cohort.json', emit: table
    path 'versions.yml', emit: versions

    script:
    """
    ls parts/*/cohort.json > parts.txt
    deepcohort store --part-list parts.txt --shards ${shards} --output cohort.json ${task.ext.args ?: ''}
    echo "INDEX_STORE: \$(deepcohort --version), ${task.ext.sources}" > versions.yml
    """

    stub:
    """
    touch cohort.json
    echo "INDEX_STORE: stub, ${task.ext.sources}" > versions.yml
    """
}
