create table if not exists posts (id bigint auto_increment primary key, title varchar(200) not null, body text not null);
