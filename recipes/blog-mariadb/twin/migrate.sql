drop table if exists posts;
create table posts (id bigint auto_increment primary key, title varchar(200) not null, body text not null, slug varchar(90));
