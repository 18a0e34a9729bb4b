// Reference -> table of its segmental duplications, for CALL_SHARD
process FIND_PARALOGS {
    label 'process_low'

    input:
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    path 'reference.paralogs.tsv.gz', emit: table
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort paralogs --reference ${fasta} --output reference.paralogs.tsv.gz --quiet
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch reference.paralogs.tsv.gz
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
