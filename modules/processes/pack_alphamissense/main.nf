// AlphaMissense's table as published -> its packed form, once for all shards
process PACK_ALPHAMISSENSE {
    tag "${table.name}"
    label 'process_low'

    input:
    path table
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')

    output:
    path 'alphamissense.dcam', emit: packed
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort annotate --alphamissense ${table} --reference ${fasta} --pack alphamissense.dcam ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch alphamissense.dcam
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
