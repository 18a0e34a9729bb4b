// A sample's gVCF, and all shards of its second look -> its gVCF with them
process MERGE_LOOK {
    tag "${meta.id}"
    label 'process_single'

    input:
    tuple val(meta), path(gvcf, stageAs: 'first/*'), path(gvcf_index, stageAs: 'first/*'),
        path(looks, stageAs: 'looks/*'), path(look_indexes, stageAs: 'looks/*')
    path shards  // the table of all shards: none may be missing

    output:
    tuple val(meta), path("${meta.sample}.second.g.vcf.gz"), path("${meta.sample}.second.g.vcf.gz.{tbi,csi}"),
        emit: gvcf
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    """
    ls looks/*.vcf.gz > looks.txt
    deepcohort merge --onto ${gvcf} --input-list looks.txt --shards ${shards} \\
        --output ${meta.sample}.second.g.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.sample}.second.g.vcf.gz ${meta.sample}.second.g.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
