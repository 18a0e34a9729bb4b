// gVCFs of all samples, one shard -> joint genotypes of that shard
process GENOTYPE_SHARD {
    tag "${meta.id}"
    label 'medium'

    input:
    tuple val(meta), path(shard)
    tuple path(gvcfs, stageAs: 'gvcfs/*'), path(indexes, stageAs: 'gvcfs/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path pedigree

    output:
    tuple val(meta), path("${meta.id}.cohort.vcf.gz"), path("${meta.id}.cohort.vcf.gz.tbi"), emit: vcf
    path 'versions.yml', emit: versions

    script:
    """
    ls gvcfs/*.g.vcf.gz > gvcfs.txt
    deepcohort genotype --gvcf-list gvcfs.txt --quiet --reference ${fasta} --regions ${shard} --pedigree ${pedigree} \\
        --output ${meta.id}.cohort.vcf.gz ${task.ext.args ?: ''}
    echo "GENOTYPE_SHARD: \$(deepcohort --version), ${task.ext.sources}" > versions.yml
    """

    stub:
    """
    touch ${meta.id}.cohort.vcf.gz ${meta.id}.cohort.vcf.gz.tbi
    echo "GENOTYPE_SHARD: stub, ${task.ext.sources}" > versions.yml
    """
}
