// Checked samples and shards -> what a run will come to
process PLAN_RUN {
    label 'process_single'

    input:
    path samples
    path shards
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    val options  // words for deepcohort plan
    path staged, stageAs: 'staged/?/*'  // only so that containers mount what the samples name

    output:
    path 'plan.tsv', emit: table
    path 'plan.txt', emit: text
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    deepcohort plan --samples ${samples} --shards ${shards} --reference ${fasta} ${options} \\
        --output plan.tsv --text plan.txt
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch plan.tsv plan.txt
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
