// FASTA without index -> its .fai (and .gzi)
process INDEX_REFERENCE {
    label 'process_single'

    input:
    path fasta, stageAs: 'reference/*'

    output:
    tuple path('reference/*.fai'), path('reference/*.gzi', arity: '0..*'), emit: indexes
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort index --reference ${fasta}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    printf 'chr1\\t1000\\t6\\t60\\t61\\n' > ${fasta}.fai
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
